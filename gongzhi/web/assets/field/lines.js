/* The list of what was written on this device, in words. */
const STATES = { waiting: "待发送", sent: "已送达", refused: "要修改" };
const SURE = "真的不要，删掉";
/* Those of which 不要了 was pressed once: the list may be drawn anew before it is pressed again. */
const asked = new Set();
const STYLES = { waiting: "", sent: "tag-done", refused: "tag-near" };

/* What the bar says; nothing when all is sent. */
export function told(how, waiting, online) {
  const kept = waiting ? waiting + " 条存在这台设备上" : "";
  if (how === "signed-out") return waiting ? "登录已过期，" + kept + "，登录后自动发送。" : "登录已过期。";
  if (how === "offline" || !online) return "没有连上服务器，" + (kept ? kept + "，连上以后自动发送。" : "照常登记，先存在这台设备上。");
  if (waiting) return "正在发送，" + kept + "。";
  return "";
}

function button(words, label, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "btn-line";
  made.textContent = words;
  const whose = document.createElement("span");
  whose.className = "sr";
  whose.textContent = "：" + label;
  made.append(whose);
  made.addEventListener("click", press);
  return made;
}

function clock(instant) {
  const there = new Date(instant + 8 * 3600000).toISOString();
  return Number(there.slice(5, 7)) + "月" + Number(there.slice(8, 10)) + "日 " + Number(there.slice(11, 13)) + there.slice(13, 16);
}

export function line(entry, { again, edit, away }) {
  const row = document.createElement("li");
  row.dataset.state = entry.state;
  const name = document.createElement("p");
  const tag = document.createElement("span");
  tag.className = ("tag " + STYLES[entry.state]).trim();
  tag.textContent = STATES[entry.state];
  name.append(tag, " ", entry.words);
  const when = document.createElement("span");
  when.className = "meta";
  const at = entry.at ? Date.parse(entry.at) : entry.wrote + (entry.skew || 0);
  when.textContent = " " + clock(at) + (entry.photos.length ? "，照片 " + entry.photos.length + " 张" : "");
  name.append(when);
  row.append(name);
  if (entry.state !== "refused") return row;
  const why = document.createElement("p");
  why.className = "error";
  why.textContent = entry.reason;
  const ways = document.createElement("p");
  ways.className = "actions";
  const drop = button(asked.has(entry.key) ? SURE : "不要了", entry.words, () => {
    if (asked.delete(entry.key)) return away(entry);
    asked.add(entry.key);
    drop.firstChild.textContent = SURE;
    return undefined;
  });
  ways.append(button("修改", entry.words, () => edit(entry)), button("原样再发", entry.words, () => again(entry)), drop);
  row.append(why, ways);
  return row;
}
