// Every word of the hall's big screen, Chinese first; words of the activities come from the audience page.
export const zh = {
  waiting: "互动即将开始",
  scan: "扫码参与",
  offline: "正在重新连接…",
  total: "共 {n} 票",
  hiddenCounts: "投票进行中，结果稍后公布",
  ended: "投票结束",
  checkedIn: "人已签到",
  missing: "没有找到这场直播",
};

export const en: typeof zh = {
  waiting: "Starting soon",
  scan: "Scan to take part",
  offline: "Connecting again…",
  total: "{n} votes",
  hiddenCounts: "Voting is open; the result is shown later",
  ended: "Voting has ended",
  checkedIn: "have checked in",
  missing: "This event was not found",
};
