import { createClient } from "keepfresh";

export const client = createClient({
  refresh: { url: "/auth/refresh", csrf: { header: "X-CSRF-TOKEN", cookie: "csrf_refresh_token" } },
  signIn: "/auth/sign-in",
  signOut: "/auth/sign-out",
  csrf: { header: "X-CSRF-TOKEN", cookie: "csrf_access_token" },
  // AuthX answers 422 for a token that has expired, as FastAPI does for a form that is badly filled in.
  isExpired: async (response) =>
    response.status === 401 ||
    (response.status === 422 && (await response.clone().json()).error_type === "TokenExpiredError"),
});
