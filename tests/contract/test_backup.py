"""Records and evidence as files, and back: what comes back is what Promoter reads."""

from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient

from infra.tables import TABLES, main
from promoter.adapters.identity import Identity
from promoter.adapters.settings import KeyedStorage
from promoter.adapters.tables import Tables
from promoter.application.documents import replaced
from promoter.application.ports import Write
from promoter.domain.evidence import Arrival, Evidence
from promoter.domain.image import Image
from promoter.domain.promotion import Promotion
from tests.contract.rows import AT, V1, WEB, digest, full_line, promotion

IMAGE = Image(WEB, digest(1))


async def test_what_is_restored_is_what_was_exported(
    azurite: KeyedStorage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = azurite.connection.reveal()
    tables = Tables(azurite, Identity(None, managed=False))
    long = replaced(promotion(), sequence=8, reason="\N{ROCKET}" * 60_000)
    try:
        await tables.evidence.add(Evidence(IMAGE), Arrival("dev", V1, first_at=AT, last_at=AT, pushed_at=AT))
        await tables.promotions.commit([Write(promotion()), Write(full_line())])
        await tables.promotions.commit([Write(long)])
        before = await read(tables)
        assert main(["export", connection, str(tmp_path)]) == 0
        assert capsys.readouterr().out == "Evidence: 1 rows, Promotions: 3 rows\n"
        with TableServiceClient.from_connection_string(connection) as service:
            for table in TABLES:
                service.delete_table(table)
        assert await read(tables) != before
        for _ in range(2):  # again, and nothing changes
            assert main(["restore", connection, str(tmp_path)]) == 0
            assert capsys.readouterr().out == "Evidence: 1 rows, Promotions: 3 rows\n"
        assert await read(tables) == before
    finally:
        await tables.aclose()


async def read(tables: Tables) -> tuple[Evidence, list[Promotion]]:
    records = await tables.promotions.page(Promotion, "prod")
    evidence = replaced(await tables.evidence.load(IMAGE), version="")
    return evidence, [replaced(each, version="") for each in records]
