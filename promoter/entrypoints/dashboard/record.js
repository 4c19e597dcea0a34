// One record, whole, in a dialog that has an address of its own.

const ADDRESS = "#record/";

/** The record that the page's address names. */
function recordInAddress() {
  if (!location.hash.startsWith(ADDRESS)) return null;
  try {
    return decodeURIComponent(location.hash.slice(ADDRESS.length));
  } catch {
    return null;
  }
}

/** Commands that go on from a record. */
function commands(record, line) {
  const where = `${record.repository} --in ${record.environment}`;
  const found = [`promoter show ${record.id}`];
  if (record.phase === "failed") found.push(`promoter retry ${record.id}`);
  if (record.phase === "pending") found.push(`promoter abort ${record.id}`);
  if (record.phase === "succeeded" && line?.current?.record === record.id) found.push(`promoter rollback ${where}`);
  else if (record.phase === "succeeded") found.push(`promoter rollback ${record.id}`);
  if (line?.hold) found.push(`promoter unhold ${where}`);
  return found;
}

function facts(record) {
  const link = (id) => (id ? recordLink(id, "record", code(id)) : null);
  const list = h("dl");
  const known = [
    ["Record", code(record.id)], ["Digest", code(record.digest)],
    ["From", record.from && said(record.from)], ["Rule", record.rule && said(record.rule)],
    ["What", [said(record.kind), " ", phase(record)]],
    ["Why not", record.failure && [sentence(record.failure.message), " ", soft(said(record.failure.code))]],
    ["By", [said(record.actor.name), soft(" known by ", said(record.actor.via))]],
    ["Reason", record.reason && sentence(record.reason)],
    ["Overridden", record.override && said(`${record.override.conditions.join(", ")}: ${record.override.reason}`)],
    ["Asked", wholeMoment(record.createdAt)], ["Ended", record.completedAt && wholeMoment(record.completedAt)],
    ["Replaces", link(record.replaces)], ["Rolls back to", link(record.rollbackOf)], ["Retries", link(record.retryOf)],
    ["Policy", code(record.policyHash.slice(0, 12))],
  ];
  for (const [name, value] of known) if (value) list.append(h("dt", name), h("dd", value));
  return list;
}

function recordDialog(record, line) {
  return [
    dialogHead(h("h2", { id: "record-title" }, image(record), " to ", said(record.environment))),
    facts(record),
    record.decision ? [h("h3", "Decided on"), conditionList(record.decision.conditions)] : null,
    h("h3", "Go on"),
    h("ul", { class: "commands" }, commands(record, line).map((each) => h("li", code(each)))),
  ].flat();
}

const dialogHead = (title) => h("div", { class: "head" }, title,
  h("button", { type: "button", "data-key": "close", "aria-label": "Close" }, "✕"));

/** Show the record that the address names, or none. */
async function showRecord(client, lines) {
  const dialog = byId("record");
  const id = recordInAddress();
  if (id === null) return dialog.close();
  let content;
  try {
    const record = await client.get(`promotions/${encodeURIComponent(id)}`);
    content = recordDialog(record, lines().find((each) => each.environment === record.environment && each.repository === record.repository));
  } catch (error) {
    content = [dialogHead(h("h2", { id: "record-title" }, "This record cannot be shown")), h("p", said(error.message))];
  }
  if (recordInAddress() !== id) return undefined;
  fill(dialog, content);
  if (!dialog.open) dialog.showModal();
  return undefined;
}

/** Let the dialog come and go with the address. */
function followAddress(client, lines) {
  const dialog = byId("record");
  addEventListener("hashchange", () => showRecord(client, lines));
  dialog.addEventListener("close", () => {
    if (recordInAddress() !== null) history.replaceState(null, "", location.pathname + location.search);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.dataset.key === "close") dialog.close();
  });
}
