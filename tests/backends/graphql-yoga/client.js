import { createClient } from "keepfresh";

export const client = createClient({
  refresh: "/auth/refresh",
  signIn: "/auth/sign-in",
  signOut: "/auth/sign-out",
  isExpired: async (response) => {
    if (!response.headers.get("content-type")?.includes("json")) return response.status === 401;
    const { errors = [] } = await response.clone().json();
    return errors.some(({ extensions }) => extensions?.code === "UNAUTHENTICATED");
  },
});
