/** Writes docs/config.md and docs/config.schema.json from the schema of the config. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configJsonSchema, configReference } from "../src/config/reference.ts";

const docs = join(import.meta.dirname, "../docs");
writeFileSync(join(docs, "config.md"), configReference());
writeFileSync(join(docs, "config.schema.json"), configJsonSchema());
