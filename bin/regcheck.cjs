#!/usr/bin/env node
"use strict";
// Plain JavaScript that every Node since 12 can parse: an older one gets a sentence to act on, no syntax error.
var path = require("path");
var fs = require("fs");

var parts = process.versions.node.split(".").map(Number);
var main = path.join(__dirname, "../dist/cli/main.js");
if (parts[0] < 20 || (parts[0] === 20 && parts[1] < 19)) {
  fail("needs Node 20.19 or newer, and this is Node " + process.versions.node + " (" + process.execPath + ")");
} else if (!fs.existsSync(main)) {
  fail("is not built yet: run npm ci && npm run build in " + path.join(__dirname, ".."));
} else {
  import("../dist/cli/main.js").catch(function (error) {
    fail("cannot start: " + (process.argv.indexOf("--debug") >= 0 ? error.stack : error.message));
  });
}

function fail(why) {
  process.stderr.write("regcheck " + why + "\n");
  process.exitCode = 2;
}
