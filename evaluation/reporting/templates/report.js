// Draws charts when they are first seen, filters by arm, sorts tables. Nothing is fetched.
const specs = JSON.parse(document.getElementById("specs").textContent);
const picker = document.getElementById("arm");
const always = new Set(["people", "baseline:logit"]);
const stays = (arm) => !picker.value || !arm || arm === picker.value || always.has(arm);

function ofArm(spec) {
  const copy = structuredClone(spec);
  for (const [name, rows] of Object.entries(copy.datasets ?? {})) {
    copy.datasets[name] = rows.filter((row) => row.arm === undefined || stays(row.arm));
  }
  const { groups, row, step } = copy.usermeta ?? {};
  if (groups) {
    const arms = new Set(Object.values(copy.datasets).flat().map((one) => one.arm));
    copy.height = groups * Math.max(row, step * arms.size);
    for (const { encoding } of copy.layer) encoding.color.legend.values = [...arms]; // each arm keeps its colour
  }
  return copy;
}

async function draw(place) {
  const spec = specs[place.dataset.chart];
  if (!spec || place.dataset.drawn === `arm:${picker.value}`) return;
  place.dataset.drawn = `arm:${picker.value}`;
  place.view?.finalize();
  const found = await vegaEmbed(place, ofArm(spec), { renderer: "svg", actions: false, tooltip: { theme: "dark" } });
  place.view = found.view;
}

const drawOpen = () => Promise.all([...document.querySelectorAll("details[open] .chart")].map(draw));

function pick() {
  for (const one of document.querySelectorAll("tr[data-arm], .confusion[data-arm]")) one.hidden = !stays(one.dataset.arm);
  return drawOpen();
}

function sort(button) {
  const head = button.closest("th");
  const column = [...head.parentNode.children].indexOf(head);
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentNode.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = head.closest("table").tBodies[0];
  const key = (row) => row.cells[column].dataset.sort;
  const order = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === "" || y === "") return (x === "") - (y === ""); // nothing to sort by goes last
    const numbers = x - y;
    return (Number.isNaN(numbers) ? x.localeCompare(y) : numbers) * (down ? -1 : 1);
  };
  body.append(...[...body.rows].sort(order));
}

picker.addEventListener("change", pick);
document.addEventListener("click", (event) => {
  const button = event.target.closest(".sort");
  if (button) sort(button);
});
for (const one of document.querySelectorAll("details")) one.addEventListener("toggle", drawOpen);
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details")) one.open = true;
  drawOpen();
});
document.documentElement.dataset.ready = "yes";
