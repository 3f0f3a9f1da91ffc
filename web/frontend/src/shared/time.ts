// Times as people say them.
export function clockTime(iso: string, locale: string): string {
  const date = new Date(iso);
  const today = new Date();
  const days = Math.round((startOfDay(date) - startOfDay(today)) / 86_400_000);
  const time = date.toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", hour12: false });
  const chinese = locale.startsWith("zh");
  if (days === 0) return (chinese ? "今天 " : "Today ") + time;
  if (days === 1) return (chinese ? "明天 " : "Tomorrow ") + time;
  if (days === -1) return (chinese ? "昨天 " : "Yesterday ") + time;
  const year = date.getFullYear() === today.getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString(locale, { year, month: "long", day: "numeric" }) + " " + time;
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

// 1:02:03 or 2:03
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : String(part))).join(":");
}
