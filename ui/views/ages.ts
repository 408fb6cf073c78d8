/**
 * Times in words, in the time zone of the machine.
 *
 * @module
 */

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How long ago a time is, as short as a list wants it: `just now`, `5 min`, `3 h`, `yesterday`, `4 days`, a date. */
export function shortAge(iso: string, nowMs: number): string {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return "at an unknown time";
  const age = nowMs - time;
  if (age < minuteMs) return "just now";
  if (age < hourMs) return `${Math.floor(age / minuteMs)} min`;
  if (age < dayMs) return `${Math.floor(age / hourMs)} h`;
  if (age < 2 * dayMs) return "yesterday";
  if (age < 7 * dayMs) return `${Math.floor(age / dayMs)} days`;
  return localDate(new Date(time));
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function localDate(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Since when, by the clock on the wall: `21:34` of today, else with the date before it. */
export function clockTime(iso: string, nowMs: number): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "an unknown time";
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const day = localDate(date);
  return day === localDate(new Date(nowMs)) ? time : `${day} ${time}`;
}
