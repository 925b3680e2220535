// Makes dist/extension.js, the one file that runs, and puts the licences of all that is in it beside it.
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const { metafile } = await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20", // what VS Code 1.91 has
  external: ["vscode"],
  minify: true,
  metafile: true,
  logLevel: "warning",
});

const folders = Object.keys(metafile.inputs).map((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]);
const notices = [...new Set(folders.filter(Boolean))].sort().map((folder) => {
  const licence = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (licence === undefined) {
    throw new Error(`${folder} has no licence file`);
  }
  return `${folder.replace(/.*node_modules\//, "")}\n\n${readFileSync(`${folder}/${licence}`, "utf8").trim()}\n`;
});
writeFileSync("dist/THIRD-PARTY.txt", notices.join(`\n${"-".repeat(72)}\n\n`));
copyFileSync("../../LICENSE", "dist/LICENSE");
