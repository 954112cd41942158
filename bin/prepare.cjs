"use strict";
// npm runs this after an install and before a pack. Where a fresh clone is packed, or installed as a command (`npm install --global .`),
// npm has installed none of the clone's own packages by then, so the compiler is missing.
const { execSync } = require("child_process");
const fs = require("fs");
const path = require("path");

const root = path.join(__dirname, "..");
const run = (command, env = process.env) => execSync(command, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });

if (!fs.existsSync(path.join(root, "node_modules/.bin/tsc"))) {
  // What npm was told about the outer install (--global, --prefix, --omit) is not meant for this one.
  const isOuter = (name) =>
    /^npm_config_(?!registry$|cache$|userconfig$|globalconfig$|cafile$|proxy$|https_proxy$|noproxy$)/i.test(name);
  run(
    "npm ci --ignore-scripts --no-audit --no-fund",
    Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOuter(name))),
  );
}
run("npm run -s build");
