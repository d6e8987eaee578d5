// Generates greedily with llama.cpp through node-llama-cpp; a round for each line of the standard
// input. The peer of io.athanor.benchmarks.DecodeSpeed.
//
//     node generate.mjs FILE.gguf TEXT_FILE [threads] [prompt] [tokens]
import {readFileSync} from "node:fs";
import {createInterface} from "node:readline";
import {getLlama} from "node-llama-cpp";

const [file, text, threads = "2", prompt = "256", tokens = "64"] = process.argv.slice(2);
const llama = await getLlama({gpu: false, build: "never", logLevel: "error", maxThreads: +threads});
const model = await llama.loadModel({modelPath: file});
const context = await model.createContext({contextSize: 1024, batchSize: 512, threads: +threads});
const sequence = context.getSequence();
// As the tokenizer of the Hugging Face folder does, begins with the token that begins texts.
const ids = [model.tokens.bos, ...model.tokenize(readFileSync(text, "utf-8"))].slice(0, +prompt);

for await (const _ of createInterface({input: process.stdin})) {
  await sequence.clearHistory();
  const out = [];
  const start = performance.now();
  let first = 0;
  let used;
  for await (const token of sequence.evaluate(ids, {temperature: 0})) {
    if (!first) {
      first = performance.now();
      used = process.cpuUsage();
    }
    out.push(token);
    if (out.length >= +tokens) break;
  }
  const end = performance.now();
  const {user, system} = process.cpuUsage(used);
  console.log(
    JSON.stringify({
      prompt: (ids.length * 1000) / (first - start),
      decode: ((out.length - 1) * 1000) / (end - first),
      decode_cpu: ((out.length - 1) * 1e6) / (user + system),
      ids: out,
    }),
  );
}
