// A QR code as an SVG picture, with the quiet zone that readers need.
import qrcode from "qrcode-generator";

export function qrSvg(text: string): string {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  return "data:image/svg+xml," + encodeURIComponent(code.createSvgTag({ cellSize: 4, margin: 16, scalable: true }));
}
