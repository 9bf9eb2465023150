import { createClient } from "keepfresh";

export const client = createClient({
  refresh: "/auth/refresh",
  signIn: "/auth/sign-in",
  signOut: "/auth/sign-out",
});
