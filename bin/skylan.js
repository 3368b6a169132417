#!/usr/bin/env node
/* The launcher. It is written so that every Node since 12.20 can read it: an old one hands over to the Node that came with the project. */
import { spawn } from "child_process";
import { existsSync } from "fs";
import * as nodeModule from "module";
import { homedir } from "os";
import { dirname, join } from "path";
import { fileURLToPath, pathToFileURL } from "url";

const here = dirname(fileURLToPath(import.meta.url));
const version = process.versions.node.split(".").map(Number);

/** 22.18 and 23.6 are the first that run TypeScript as it is written here. */
function isNewEnough(major, minor) {
  if (major === 22) return minor >= 18;
  if (major === 23) return minor >= 6;
  return major > 23;
}

function firstThatExists(paths) {
  return paths.map((path) => join(here, path)).find((path) => existsSync(path));
}

/** A clone runs from its source, a published package from what was built. */
const program = firstThatExists(["../src/cli/main.ts", "../dist/cli/main.js"]);

/**
 * Compiled code is kept between starts, which makes them three times as quick. Nobody else may write where we read code from, so never below
 * /tmp; where nothing can be written, nothing is kept.
 */
function keepCompiledCode() {
  if (nodeModule.enableCompileCache === undefined) return;
  const own = process.getuid() === 0 ? "/var/cache" : process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE || process.env.CACHE_DIRECTORY || join(own, "skylan"));
}

function handOver(node) {
  const child = spawn(node, [join(here, "skylan.js")].concat(process.argv.slice(2)), { stdio: "inherit" });
  ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"].forEach((signal) => {
    // Ctrl-C reaches both of us by itself: only who has not ended by then is told once more, or it would be killed in the middle of its end.
    process.on(signal, () => setTimeout(() => child.kill(signal), 250));
  });
  child.on("error", (error) => complain(error.message));
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? code : 1);
  });
}

function complain(sentence) {
  process.stderr.write("skylan: " + sentence + "\n");
  process.exitCode = 69;
}

function start() {
  if (program === undefined) return complain("the program is missing beside its launcher; install skylan again.");
  if (isNewEnough(version[0], version[1])) {
    process.argv[1] = program;
    keepCompiledCode();
    return import(pathToFileURL(program).href);
  }
  const newer = firstThatExists(["../node_modules/.bin/node", "../../.bin/node"]);
  if (newer !== undefined) return handOver(newer);
  return complain(
    "this is Node " +
      process.versions.node +
      " and skylan needs 22.18 or newer: run `npm ci` in a clone, or install Node 24 from https://nodejs.org/.",
  );
}

void start();
