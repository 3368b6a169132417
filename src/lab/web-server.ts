/** A web server for a host of the lab: `node web-server.ts NAME PORT ...`. Its page says who answers, who asks and which prefix-independent port was used. */
import { createServer } from "node:http";

const [name = "somebody", ...ports] = process.argv.slice(2);

for (const port of ports) {
  const server = createServer((request, response) => {
    const { remoteAddress, localPort } = request.socket;
    response.setHeader("Connection", request.headers["connection"] ?? "close");
    response.end(`Hello from ${name}, port ${localPort}. You are ${remoteAddress}.\n`);
  });
  server.on("error", (error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
  server.listen({ port: Number(port), host: "::" }, () => console.log(`listening on ${port}`));
}
