// Who is signed in, and what they may do. One for the whole console.
import { computed, reactive } from "vue";
import { ApiError, get, post, type Me, type Permission } from "./api";

export const session = reactive<{ me: Me | null; known: boolean }>({ me: null, known: false });

export async function loadSession(): Promise<void> {
  try {
    session.me = await get<Me>("/auth/me");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 401) session.me = null;
    else throw error;
  } finally {
    session.known = true;
  }
}

export async function signIn(username: string, password: string): Promise<void> {
  await post("/auth/login", { username, password });
  await loadSession();
}

export async function signOut(everywhere = false): Promise<void> {
  await post(everywhere ? "/auth/logout-everywhere" : "/auth/logout");
  session.me = null;
}

export function may(permission: Permission, centerId?: string): boolean {
  const me = session.me;
  if (!me) return false;
  if (me.platform_admin) return true;
  return me.centers.some((c) => (!centerId || c.center_id === centerId) && c.permissions.includes(permission));
}

export const accent = computed(() => session.me?.centers[0]?.accent ?? "#1f6feb");
