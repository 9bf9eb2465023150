import { createClient } from "keepfresh";

// The token is asked for once, and goes with every unsafe request.
const { token } = await (await fetch("/csrf-token")).json();

export const client = createClient({
  refresh: "/auth/refresh",
  signIn: "/auth/sign-in",
  signOut: "/auth/sign-out",
  csrf: { header: "csrf-token", value: () => token },
});
