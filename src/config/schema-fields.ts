/** Fields of the schema by their kind: what would be right is the message of the check and the title on the reference page. */
import * as v from "valibot";

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;

export const text = (right: string, isRight: (value: string) => boolean, description: string, example: string) =>
  v.pipe(v.string(right), v.check(isRight, right), v.title(right), v.description(description), v.examples([example]));

export const integer = (from: number, to: number, unit: string, description: string) => {
  const right = `a whole number${unit} from ${from} to ${to}`;
  return v.pipe(
    v.number(right),
    v.integer(right),
    v.minValue(from, right),
    v.maxValue(to, right),
    v.title(right),
    v.description(description),
  );
};

export const flag = (description: string) => v.pipe(v.boolean("true or false"), v.title("true or false"), v.description(description));

export const listOf = <Item extends v.GenericSchema>(item: Item, right: string, description: string, ...example: v.InferInput<Item>[]) =>
  v.pipe(v.array(item, right), v.title(right), v.description(description), v.examples([example]));

export function isDomainName(name: string): boolean {
  const labels = name.replace(/\.$/, "").split(".");
  return name.length <= 253 && labels.every((label) => LABEL.test(label));
}
