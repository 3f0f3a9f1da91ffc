// Words of the talk beside the picture.
export const zh = {
  reply: "回复",
  replyTo: "回复 {name}",
  cancelReply: "取消回复",
  heart: "赞 {name} 的评论",
  removed: "该评论已删除",
  gone: "原评论已不在",
  pinned: "置顶",
  older: "更早的评论",
  loading: "正在加载…",
  beginning: "没有更早的评论了",
  newest: "有新评论 ↓",
  danmakuOn: "弹幕开",
  danmakuOff: "弹幕关",
  signedInAs: "{name}",
};

export const en: typeof zh = {
  reply: "Reply",
  replyTo: "Reply to {name}",
  cancelReply: "Cancel the reply",
  heart: "Like what {name} said",
  removed: "This comment was removed",
  gone: "The comment is no longer here",
  pinned: "Pinned",
  older: "Earlier comments",
  loading: "Loading…",
  beginning: "No earlier comments",
  newest: "New comments ↓",
  danmakuOn: "Overlay",
  danmakuOff: "No overlay",
  signedInAs: "{name}",
};
