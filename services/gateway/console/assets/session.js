/* Who is signed in. The bearer token comes from the address (#token=…, taken out of it at once, so that it is
   in no history and in no copied link) or is pasted; it lives in sessionStorage, thus as long as the tab.
   What the token says is read here only to show it: every right is decided by the gateway. */

const KEY = "reelgate.token";

/* Takes a token out of the address, if there is one. To be called before anything reads the address. */
export function adoptToken() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const token = parts.get("token");
  if (!token) return;
  sessionStorage.setItem(KEY, token.trim());
  parts.delete("token");
  const rest = [...parts.keys()].length === 1 && !parts.values().next().value ? [...parts.keys()][0] : "";
  history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
}

export const token = () => sessionStorage.getItem(KEY);
export const signIn = (text) => sessionStorage.setItem(KEY, text.trim().replace(/^Bearer\s+/i, ""));
export const signOut = () => sessionStorage.removeItem(KEY);

/* The claims of the token, or null when it is no JWT (then the gateway will refuse it, too). */
export function claims(text = token()) {
  try {
    const [, payload] = text.split(".");
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (c) =>
      c.charCodeAt(0),
    );
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value && typeof value.sub === "string" ? value : null;
  } catch {
    return null;
  }
}

export const userId = () => claims()?.sub ?? "";
export const role = () => claims()?.role ?? "user";
export const expired = () => claims()?.exp !== undefined && claims().exp * 1000 <= Date.now();
