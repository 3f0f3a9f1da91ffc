// Words for sources that the hub fetches itself, for SRT, and for transcoding.
const zh = {
  set: "拉流来源",
  title: "从别处取画面",
  explain: "摄像头、网络直播流或主机里的视频文件，由主机自己去取，不用编码器推流。",
  url: "地址",
  urlHint: "rtsp://用户名:密码{'@'}192.168.1.64/…，或 http(s)://….m3u8、….flv，rtmp://…，srt://…",
  files: "循环播放主机 sources 目录里的视频：file:西湖.mp4,灯会.mp4",
  transport: "RTSP 传输",
  auto: "自动（先 TCP 后 UDP）",
  start: "什么时候取",
  with_event: "直播开始时",
  scheduled: "按时间",
  from: "从",
  until: "到",
  anytime: "不限",
  remove: "不再拉流",
  removeAsk: "“{name}”不再从这个地址取画面？之后由编码器推流。",
  push: "SRT 地址",
  state: {
    connecting: "正在连接信号源……",
    live: "拉流正常",
    waiting: "{why}。{seconds} 秒后重试（第 {attempts} 次）",
    refused: "{why}",
    off: "未到拉流时间",
  },
  link: "丢包重传 {retransmitted} · 请求重传 {lost} · 往返 {rtt} ms · 缓冲 {latency} ms",
};

const en: typeof zh = {
  set: "Pull from",
  title: "Fetch the picture from elsewhere",
  explain: "The hub fetches a camera, a web stream or video files itself; no encoder needs to push.",
  url: "Address",
  urlHint: "rtsp://user:password{'@'}192.168.1.64/…, or http(s)://….m3u8, ….flv, rtmp://…, srt://…",
  files: "Files of the hub's sources folder, in a loop: file:lake.mp4,lanterns.mp4",
  transport: "RTSP over",
  auto: "Automatic (TCP, then UDP)",
  start: "When",
  with_event: "While the event is live",
  scheduled: "By the clock",
  from: "From",
  until: "Until",
  anytime: "any time",
  remove: "Stop pulling",
  removeAsk: "Stop fetching “{name}” from this address? An encoder has to push it then.",
  push: "SRT address",
  state: {
    connecting: "Connecting to the source…",
    live: "Source is fine",
    waiting: "{why}. Trying again in {seconds} s (attempt {attempts})",
    refused: "{why}",
    off: "Not due yet",
  },
  link: "Resent {retransmitted} · asked for again {lost} · round trip {rtt} ms · buffer {latency} ms",
};

const healthZh = {
  srt_wrong_passphrase: ["{address} 的 SRT 加密口令不对，已拒绝", "请在编码器里核对 SRT 加密口令（passphrase），与主机设置一致。"],
  srt_not_encrypted: ["{address} 的 SRT 没有加密，已拒绝", "主机要求加密：请在编码器里填入 SRT 加密口令（passphrase）。"],
  transcode_too_slow: ["主机来不及转码，正在丢帧", "请降低分辨率，或让编码器直接推 H.264 和 AAC。"],
  transcode_failed: ["音视频无法转码", "请检查编码器的音视频格式设置。"],
};

const healthEn: typeof healthZh = {
  srt_wrong_passphrase: ["Wrong SRT passphrase from {address}, refused", "Check the SRT passphrase in the encoder against the hub's setting."],
  srt_not_encrypted: ["SRT from {address} is not encrypted, refused", "The hub asks for encryption: enter the SRT passphrase in the encoder."],
  transcode_too_slow: ["The hub cannot transcode fast enough and drops frames", "Lower the size, or push H.264 and AAC."],
  transcode_failed: ["Sound or picture could not be transcoded", "Check the formats in the encoder."],
};

export const sourceWords = { "zh-CN": zh, en };
export const sourceHealth = { "zh-CN": healthZh, en: healthEn };
