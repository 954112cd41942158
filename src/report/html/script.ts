/**
 * The page's only script: it filters the findings. All else works without it. Everything it reads it reads from the page, and it only
 * hides and shows: no text becomes markup. The browser runs it because the page's policy names its hash.
 */
export const SCRIPT = `"use strict";
{
  const form = document.getElementById("filter");
  const groups = Array.from(document.querySelectorAll("#findings details.code"));
  const format = new Intl.NumberFormat("en-US");
  let rows;
  let timer;

  const readRows = () => groups.map((group) => {
    const about = group.querySelector("summary").textContent.toLowerCase();
    return Array.from(group.querySelectorAll("li"), (row) => ({ row, text: row.textContent.toLowerCase(), about }));
  });

  const apply = () => {
    const words = form.elements.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
    rows ??= readRows();
    let shown = 0;
    let all = 0;
    for (const [i, group] of groups.entries()) {
      const box = form.elements[group.dataset.severity];
      const isOn = box === undefined || box.checked;
      let count = 0;
      for (const { row, text, about } of rows[i]) {
        const isHit = isOn && words.every((word) => text.includes(word) || about.includes(word));
        if (row.hidden === isHit) row.hidden = !isHit;
        if (isHit) count++;
      }
      for (const list of group.querySelectorAll("ol")) list.hidden = !list.querySelector("li:not([hidden])");
      group.hidden = count === 0;
      if (words.length > 0 && count > 0 && count <= 1000) group.open = true;
      shown += count;
      all += rows[i].length;
    }
    form.elements.count.textContent = shown === all ? "" : format.format(shown) + " of " + format.format(all) + " shown";
  };

  if (form !== null) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(apply, 150);
    });
  }
}
`;
