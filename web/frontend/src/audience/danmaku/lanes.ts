// Which lane a comment flies in, and for how long it keeps the lane. Pure; times in milliseconds.
export const FLIGHT_MS = 9000;
const GAP_MS = 600;

// The lane that is free first, or -1 when all are busy: then the comment stays in the list alone.
export function pickLane(freeAt: number[], now: number, width: number, textWidth: number): number {
  let best = -1;
  freeAt.forEach((at, lane) => {
    if (at <= now && (best < 0 || at < freeAt[best]!)) best = lane;
  });
  if (best >= 0) {
    // its tail has left the edge once it has moved by its own width
    const speed = (width + textWidth) / FLIGHT_MS;
    freeAt[best] = now + textWidth / speed + GAP_MS;
  }
  return best;
}

// Webviews that draw the video above everything: comments would fly behind it, so the list has to do.
export function videoCoversPage(agent: string): boolean {
  return /MQQBrowser|TBS\/|UCBrowser|UCWEB|MiuiBrowser|baiduboxapp/i.test(agent);
}
