/** `skylan devices`: who is at home, and who gives away its MAC address. */
import { Command } from "commander";
import { createClient } from "../api/client.ts";
import { formatDevices } from "../api/devices-words.ts";
import { vendorsOf } from "../io/vendor-list.ts";
import { runDirOption } from "./options.ts";

interface Options {
  readonly runDir: string;
  readonly json?: boolean;
}

export function devicesCommand(): Command {
  return new Command("devices")
    .description("show who is at home, with which addresses, and who gives away its MAC address")
    .option("--json", "as JSON, for programs")
    .addOption(runDirOption())
    .action(async (options: Options) => {
      const status = await createClient(options.runDir).devices();
      const vendors = await vendorsOf(status.devices.filter(({ randomMac }) => !randomMac).map(({ mac }) => mac));
      const devices = status.devices.map((device) => {
        const vendor = vendors.get(device.mac);
        return { ...device, ...(vendor !== undefined && { vendor }) };
      });
      const shown = { ...status, devices };
      console.log(options.json ? JSON.stringify(shown, null, 2) : formatDevices(shown, { color: process.stdout.isTTY === true }));
    });
}
