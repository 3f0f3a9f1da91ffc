// Words of the choice of delay, Chinese first.
export const zh = {
  choose: "超低延迟",
  on: "超低延迟已开启",
  fallback: "超低延迟暂不可用，先用普通延迟播放，稍后自动重试",
};

export const en: typeof zh = {
  choose: "Low delay",
  on: "Ultra-low delay is on",
  fallback: "Ultra-low delay is not available right now; playing with the ordinary delay, trying again later",
};
