"""How well text can be read, as WCAG 2.2 counts it."""

from playwright.async_api import Page

_WORST = """(selector) => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((each) => {
      const part = each / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if ((parts(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const hasText = (element) =>
    [...element.childNodes].some((each) => each.nodeType === Node.TEXT_NODE && each.data.trim());
  const isText = (each) => hasText(each) && each.checkVisibility();
  const texts = [...document.querySelectorAll(selector)].filter(isText);
  if (!texts.length) throw new Error(`${selector} has no text`);
  return Math.min(...texts.map((each) => {
    const [ink, behind] = [light(getComputedStyle(each).color), light(paper(each))];
    return (Math.max(ink, behind) + 0.05) / (Math.min(ink, behind) + 0.05);
  }));
}"""


async def worst_contrast(page: Page, selector: str) -> float:
    """The lowest contrast of all visible text in these elements with what is behind it (1.4.3)."""
    return float(await page.evaluate(_WORST, selector))
