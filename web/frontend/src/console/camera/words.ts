// Words about phones as cameras, Chinese first.
const zh = {
  link: "手机摄像头链接",
  linkHint: "手机扫码打开，允许摄像头后就是这个机位，不用装 App。链接里有推流码，只发给摄像师。",
  insecure: "这个地址是 http，手机浏览器不会开放摄像头。请启用 HTTPS（VENUECAST_TLS_CERT 或前置 nginx），或在“系统”页选择安全地址。",
  scan: "扫码成为这个机位",
  encoder: "推流软件",
  phone: "手机",
  standBy: "准备",
  standingBy: "已亮绿灯",
  say: "对摄像师说",
  placeholder: "例如：往左一点",
  send: "发送",
  clear: "清除",
  shown: "手机上显示：{text}",
  quick: ["往左一点", "往右一点", "拉近", "拉远", "拿稳", "很好"],
};
const en: typeof zh = {
  link: "Phone camera link",
  linkHint: "Scan it with a phone and allow the camera: the phone is this feed, no app needed. The link holds the stream key; give it to the camera operator only.",
  insecure: "This address is http: phones will not open the camera. Turn on HTTPS (VENUECAST_TLS_CERT, or nginx in front), or pick a secure address on the System page.",
  scan: "Scan to become this feed",
  encoder: "Encoder",
  phone: "Phone",
  standBy: "Stand by",
  standingBy: "Green light on",
  say: "Tell the operator",
  placeholder: "e.g. a little to the left",
  send: "Send",
  clear: "Clear",
  shown: "On the phone: {text}",
  quick: ["Left a little", "Right a little", "Closer", "Wider", "Hold still", "Very good"],
};
export const cameraWords = { "zh-CN": zh, en };
