import { createClient } from "keepfresh";

// Django sets its CSRF cookie where a page or an endpoint asks for it.
await fetch("/csrf");

export const client = createClient({
  refresh: "/auth/refresh",
  signIn: "/auth/sign-in",
  signOut: "/auth/sign-out",
  csrf: { header: "X-CSRFToken", cookie: "csrftoken" },
});
