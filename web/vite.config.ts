import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Where the API is while the pages are worked on: `streamwarden demo` listens there unless told otherwise.
const api = process.env.STREAMWARDEN_API ?? "http://127.0.0.1:8642";

export default defineConfig({
  plugins: [react()],
  build: {
    target: ["chrome123", "firefox120", "safari17.5"], // the first with light-dark()
    // A data: address is refused by the pages' policy of what may be loaded.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  server: {
    host: "127.0.0.1",
    // The server asks who sends what by the page's own origin, which is the proxy's here.
    proxy: { "/v1": { target: api, changeOrigin: false }, "/openapi.json": api, "/docs": api },
  },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
