// Say how it went, and ask before what cannot be undone.
import { createDiscreteApi } from "naive-ui";
import { ApiError } from "./api";
import { i18n } from "./i18n";

const { message, dialog } = createDiscreteApi(["message", "dialog"]);
const t = (key: string): string => (i18n.global as unknown as { t(key: string): string }).t(key);

export function succeeded(text: string): void {
  message.success(text);
}

export function failed(error: unknown): void {
  if (error instanceof ApiError) {
    const detail = error.fields.map((field) => field.msg).join(" ");
    message.error(error.status === 0 ? t("offline") : error.message ? `${error.message} ${detail}` : t("unknown"));
  } else {
    message.error(t("unknown"));
  }
}

export async function attempt(action: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await action();
    if (done) succeeded(done);
    return true;
  } catch (error) {
    failed(error);
    return false;
  }
}

export function ask(question: string, yes: string): Promise<boolean> {
  return new Promise((resolve) => {
    dialog.warning({
      title: question,
      positiveText: yes,
      negativeText: t("cancel"),
      onPositiveClick: () => resolve(true),
      onNegativeClick: () => resolve(false),
      onClose: () => resolve(false),
      onMaskClick: () => resolve(false),
      onEsc: () => resolve(false),
    });
  });
}
