// Packs dist/foretype.vsix: with the version that pyproject.toml names, which is the one place, and the project's changelog.
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";

const version = /^version = "(.+)"$/m.exec(readFileSync("../../pyproject.toml", "utf8"))[1];
copyFileSync("../../CHANGELOG.md", "CHANGELOG.md");
const wanted = ["package", version, "--no-git-tag-version", "--no-update-package-json"];
const how = ["--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links", "--skip-license"];
const vsce = "node_modules/@vscode/vsce/vsce";
execFileSync(process.execPath, [vsce, ...wanted, ...how, "--out", "dist/foretype.vsix"], { stdio: "inherit" });
