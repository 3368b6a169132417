/* Exit code 0 when node_modules holds what package-lock.json asks for. Runs on whatever Node the machine has. */
const { readFileSync } = require("fs");
const { join } = require("path");

const root = join(__dirname, "..");

function packagesOf(file) {
  return JSON.parse(readFileSync(join(root, file), "utf8")).packages;
}

/** npm leaves out what is optional and made for another kind of machine. */
function isPresent(wanted, found) {
  return found === undefined ? wanted.optional === true || wanted.devOptional === true : found.version === wanted.version;
}

try {
  const wanted = packagesOf("package-lock.json");
  const found = packagesOf("node_modules/.package-lock.json");
  const missing = Object.keys(wanted).filter((path) => path !== "" && !isPresent(wanted[path], found[path]));
  process.exitCode = missing.length === 0 ? 0 : 1;
} catch {
  process.exitCode = 1;
}
