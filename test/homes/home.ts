/** Homes as most tests want them: skylan runs, and the LAN is online. */
import { createHome, type Home, type HomeOptions } from "../../src/lab/home.ts";
import { isProgram } from "../../src/lab/lab-needs.ts";
import type { ConfigTables } from "../../src/lab/skylan-process.ts";

/** A home whose first host has a global address by skylan's doing. @throws NotInTime */
export async function onlineHome(options: HomeOptions = {}, config: ConfigTables = {}): Promise<Home> {
  const home = await createHome(options);
  try {
    await home.startSkylan(config);
    await home.globalAddress(home.hosts[0]!.name);
  } catch (error) {
    await home[Symbol.asyncDispose]();
    throw error;
  }
  return home;
}

/** For a test's `skip`: the sentence that names the missing programs, or false. */
export function skipWithout(...programs: readonly string[]): string | false {
  const missing = programs.filter((program) => !isProgram(program));
  return missing.length === 0 ? false : `${missing.join(" and ")} not installed`;
}
