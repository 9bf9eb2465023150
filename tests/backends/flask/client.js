import { createClient } from "keepfresh";

export const client = createClient({
  refresh: { url: "/auth/refresh", csrf: { header: "X-CSRF-TOKEN", cookie: "csrf_refresh_token" } },
  signIn: "/auth/sign-in",
  signOut: "/auth/sign-out",
  csrf: { header: "X-CSRF-TOKEN", cookie: "csrf_access_token" },
});
