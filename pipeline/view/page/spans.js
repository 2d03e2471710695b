// The list of spans of low trust: each a button that jumps there.

const MOST_SPANS = 300;

function spanText(run, [person, part, why, first, last]) {
  const tenths = (time) => (Math.floor(10 * time + 0.5) / 10).toFixed(1); // as the report
  const seconds = `${tenths(run.times[first])}\u2013${tenths(endOf(run, last))} s`;
  const who = run.people.length > 1 ? `person ${run.people[person].label}, ` : "";
  const what = run.whys[why].startsWith("left and right") ? run.whys[why] : `${run.parts[part]} ${run.whys[why]}`;
  return { seconds, what: who + what };
}

function listSpans(run, holder, jump) {
  const count = run.spans.length;
  holder.querySelector("summary").textContent = count ? `Low trust: ${count} ${count === 1 ? "span" : "spans"}` : "Low trust: none found";
  holder.classList.toggle("empty", !count);
  const list = holder.querySelector("ul");
  for (const span of run.spans.slice(0, MOST_SPANS)) {
    const { seconds, what } = spanText(run, span);
    const item = document.createElement("li"), button = document.createElement("button"), told = document.createElement("span");
    button.type = "button";
    told.textContent = ` ${what}`;
    button.append(seconds, told);
    button.addEventListener("click", () => jump(span[3]));
    item.append(button);
    list.append(item);
  }
  if (count > MOST_SPANS) {
    const rest = document.createElement("li");
    rest.textContent = `and ${count - MOST_SPANS} more, marked on the timeline`;
    list.append(rest);
  }
}
