import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { createClient } from "keepfresh";
import { story } from "../story.js";

const client = createClient({ refresh: "/auth/refresh" });

function App() {
  const [told, setTold] = useState("…");
  useEffect(() => {
    story(client.fetch).then(setTold, (error) => setTold(String(error)));
  }, []);
  return <p id="story">{told}</p>;
}

createRoot(document.getElementById("root")).render(<App />);
