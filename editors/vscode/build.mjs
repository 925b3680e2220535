// Makes dist/extension.js, the one file that runs, and puts the licences beside it.
import { copyFileSync } from "node:fs";
import { build } from "esbuild";

await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node18", // what Electron in VS Code 1.91 has
  external: ["vscode"],
  minify: true,
  sourcemap: false,
  legalComments: "external",
  logLevel: "warning",
});
copyFileSync("../../LICENSE", "dist/LICENSE");
