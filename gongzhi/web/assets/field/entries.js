/* What was written on the device and not yet sent: pure decisions, for the page, the worker and tests alike.

   An entry: key (its own for ever), account, act, values, at (fixed when it is first sent), wrote (by this device),
   skew (server less device, as last heard when it was written; null if never), heard (the server's time then),
   photos [{blob, id}], because (key of the entry that led here), words, state waiting | refused | sent, reason. */
export const BATCH = 50;
export const SKEWED = 90000;
export const MOST_PHOTOS = 6;

const NOT_VALUES = ["csrfmiddlewaretoken", "key"];

/* The pairs of a form as an act takes them; what was left empty is left out. */
export function valuesOf(pairs) {
  const values = {};
  pairs.forEach(([name, value]) => {
    const told = typeof value === "string" ? value.trim() : "";
    if (told && NOT_VALUES.indexOf(name) < 0 && name.indexOf("measures-") < 0) values[name] = told;
  });
  const of = (part) => pairs.filter(([name]) => name === "measures-" + part).map(([, value]) => value.trim());
  const [indicators, bounds, quantities] = ["indicator", "bound", "quantity"].map(of);
  const measures = quantities
    .map((quantity, row) => ({ indicator: indicators[row], bound: bounds[row], quantity }))
    .filter((one) => one.quantity);
  if (measures.length) values.measures = measures;
  return values;
}

/* When it happened, by the server's clock: the device's is moved by what was known of it when this was written, else
   by what is known now; never before the server was last heard, never after now. */
export function instantOf(entry, met) {
  if (entry.at) return entry.at;
  const skew = entry.skew === null ? met.skew : entry.skew;
  const at = Math.min(Math.max(entry.wrote + skew, entry.heard || 0), met.now);
  return new Date(at).toISOString();
}

export function itemOf(entry) {
  const item = Object.assign({}, entry.values, { act: entry.act, key: entry.key, at: entry.at });
  if (entry.because) item.because = { key: entry.because };
  if (entry.photos.length) item.photos = entry.photos.map((one) => one.id);
  return item;
}

export const waitingOf = (entries, account) =>
  entries.filter((one) => one.account === account && one.state === "waiting").sort((one, other) => one.order - other.order);

/* What became of an entry. One whose cause was not recorded stands for itself and is sent again without it; photos
   that are no longer kept there are sent again, once. */
export function answered(entry, answer) {
  const told = Object.assign({}, entry);
  if (answer.fact) {
    return Object.assign(told, { state: "sent", reason: "", fact: answer.fact.id, values: {}, photos: [], told: answer.fact.label });
  }
  if (answer.status >= 500) return told;
  if (entry.because && (answer.code === "api.because" || answer.field === "because")) return Object.assign(told, { because: "" });
  if (answer.field === "photos" && entry.photos.some((one) => one.id) && !entry.photosAgain) {
    const photos = entry.photos.map((one) => ({ blob: one.blob, id: "" }));
    return Object.assign(told, { photos, photosAgain: true });
  }
  return Object.assign(told, { state: "refused", reason: answer.reason, field: answer.field || "" });
}

/* The same entry with other words: a new key, so that it is never taken for the old; what followed from it follows. */
export function rewritten(entries, old, values, photos, key) {
  const fresh = Object.assign({}, old, { key, values, photos, state: "waiting", reason: "", field: "" });
  const after = entries.filter((one) => one.because === old.key).map((one) => Object.assign({}, one, { because: key }));
  return [fresh].concat(after);
}

export function spanWords(milliseconds) {
  const minutes = Math.round(Math.abs(milliseconds) / 60000);
  if (minutes < 60) return minutes + " 分钟";
  if (minutes < 2880) return Math.floor(minutes / 60) + " 小时" + (minutes % 60 ? " " + (minutes % 60) + " 分钟" : "");
  return Math.round(minutes / 1440) + " 天";
}

export function skewWords(skew) {
  if (Math.abs(skew) <= SKEWED) return "";
  return "这台设备的时间比服务器" + (skew < 0 ? "快" : "慢") + " " + spanWords(skew) + "，登记时间已按服务器的时间算。";
}
