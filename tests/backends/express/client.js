import { createClient } from "keepfresh";

export const client = createClient({
  refresh: { url: "/refresh", method: "GET" },
  signIn: "/auth/sign-in",
  signOut: "/refresh/sign-out",
  // A token that is no good is a bare 403; what a user may not do has a body.
  isExpired: async (response) =>
    response.status === 401 || (response.status === 403 && (await response.clone().text()) === "Forbidden"),
});
