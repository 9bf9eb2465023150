import ky from "ky";
import { fetchLike } from "./fetch_like.js";
import { onceAtATime } from "./refresh.js";

export function create(send) {
  const refresh = onceAtATime(send);
  return fetchLike(
    ky.create({
      fetch: send,
      throwHttpErrors: false,
      hooks: {
        afterResponse: [
          async ({ response, retryCount }) => {
            if (response.status !== 401 || retryCount > 0) return;
            await refresh();
            return ky.retry({ delay: 0 });
          },
        ],
      },
    }),
  );
}
