"use client";

import { useEffect, useState } from "react";
import { createClient } from "keepfresh";
import { story } from "../../story.js";

// A client component is rendered on the server too.
const client = createClient({ refresh: "/auth/refresh" });

export function Story() {
  const [told, setTold] = useState("…");
  useEffect(() => {
    story(client.fetch).then(setTold, (error) => setTold(String(error)));
  }, []);
  return <p id="story">{told}</p>;
}
