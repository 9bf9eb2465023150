import { createClient } from "keepfresh";
import { Story } from "./story-teller";

// On the server: nothing is loaded, and nothing throws.
const { state } = createClient({ refresh: "/auth/refresh" });

export default function Page() {
  return (
    <main>
      <p id="server">{state}</p>
      <Story />
    </main>
  );
}
