#!/usr/bin/env node
"use strict";
// Plain JavaScript that every Node since 12 can parse: an older one gets a sentence to act on, no syntax error.
var path = require("path");
var fs = require("fs");
var os = require("os");

var parts = process.versions.node.split(".").map(Number);
var main = path.join(__dirname, "../dist/program/main.js");
if (parts[0] < 20 || (parts[0] === 20 && parts[1] < 19)) {
  fail("needs Node 20.19 or newer, and this is Node " + process.versions.node + " (" + process.execPath + ")");
} else if (!fs.existsSync(main)) {
  fail("is not built yet: run npm ci && npm run build in " + path.join(__dirname, ".."));
} else {
  // libuv's threads, which wait where the storage is slow. It counts them once, before anything else runs.
  process.env.UV_THREADPOOL_SIZE = process.env.UV_THREADPOOL_SIZE || "64";
  keepCompiled();
  import("../dist/program/main.js").catch(function (error) {
    fail("cannot start: " + (process.argv.indexOf("--debug") >= 0 ? error.stack : error.message));
  });
}

function fail(why) {
  process.stderr.write("regcheck " + why + "\n");
  process.exitCode = 2;
}

// What is compiled is kept for the next run, by Nodes that can. It is run as code: only a directory that is the user's own will do.
function keepCompiled() {
  var enable = require("module").enableCompileCache;
  if (enable === undefined) return;
  try {
    var directory = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "regcheck", "compiled");
    fs.mkdirSync(directory, { recursive: true, mode: 448 });
    var stat = fs.lstatSync(directory);
    if (stat.isDirectory() && stat.uid === process.getuid() && (stat.mode & 18) === 0) enable(directory);
  } catch (error) {
    // No home, or one that cannot be written: it goes without.
  }
}
