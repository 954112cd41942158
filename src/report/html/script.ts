/**
 * The page's only script: it filters the findings. All else works without it. Everything it reads it reads from the page, and it only
 * hides and shows: no text becomes markup. The browser runs it because the page's policy names its hash.
 */
export const SCRIPT = `"use strict";
{
  const form = document.getElementById("filter");
  const groups = Array.from(document.querySelectorAll("#findings details.code"));
  const format = new Intl.NumberFormat("en-US");
  let read;
  let timer;

  const readGroup = (group) => ({
    group,
    about: group.querySelector("summary").textContent.toLowerCase(),
    lists: Array.from(group.querySelectorAll("ol"), (list) => ({
      list,
      rows: Array.from(list.children, (row) => ({ row, text: row.textContent.toLowerCase() })),
    })),
  });

  /* Hiding a list of which nothing is shown is cheaper than hiding all that is in it. */
  const filterList = ({ list, rows }, isHit) => {
    const hits = rows.map(isHit);
    const count = hits.filter(Boolean).length;
    list.hidden = count === 0;
    if (count > 0) for (const [i, { row }] of rows.entries()) if (row.hidden === hits[i]) row.hidden = !hits[i];
    return count;
  };

  const apply = () => {
    const words = form.elements.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
    read ??= groups.map(readGroup);
    let shown = 0;
    let all = 0;
    for (const { group, about, lists } of read) {
      const isOn = form.elements[group.dataset.severity]?.checked ?? true;
      const left = words.filter((word) => !about.includes(word));
      const isHit = ({ text }) => isOn && left.every((word) => text.includes(word));
      let count = 0;
      for (const list of lists) {
        count += filterList(list, isHit);
        all += list.rows.length;
      }
      group.hidden = count === 0;
      if (words.length > 0 && count > 0 && count <= 1000) group.open = true;
      shown += count;
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
