import onnxProto, { type onnx } from "onnx-proto";

/** A fixed size, or a symbol such as "N" for one that is known when the graph runs. */
export type Shape = (number | string)[];
export type ElementType = "float32" | "int64";
export type Attributes = Record<string, number | number[]>;

const { AttributeProto, ModelProto, TensorProto } = onnxProto.onnx;
const elementTypes = {
  float32: TensorProto.DataType.FLOAT,
  int64: TensorProto.DataType.INT64,
};

/** Written into every file; what ONNX Runtime 1.20.1 and everything since reads. */
const opset = 17;
const irVersion = 8;

/**
 * An ONNX graph under construction. Values are known by their names, and the type of each is tracked. Their shapes are not: the runtime works
 * them out when it loads the graph, and names the node that does not fit.
 */
export class Graph {
  readonly name: string;
  readonly #types = new Map<string, ElementType>();
  readonly #inputs: onnx.IValueInfoProto[] = [];
  readonly #outputs: onnx.IValueInfoProto[] = [];
  readonly #nodes: onnx.INodeProto[] = [];
  readonly #initialisers: onnx.ITensorProto[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** Declares an input, for instance `input("posts", "float32", ["N", 32])`, and gives its name back. */
  input(name: string, type: ElementType, shape: Shape): string {
    this.#inputs.push(valueInfo(name, type, shape));
    return this.#add(name, type);
  }

  /** Makes a value an output of the graph under a name of its own. */
  output(name: string, value: string, shape: Shape): void {
    const type = this.typeOf(value);
    this.#outputs.push(valueInfo(name, type, shape));
    this.#nodes.push({ opType: "Identity", input: [value], output: [name], name });
    this.#add(name, type);
  }

  /** Stores float32 numbers in the graph, row-major. */
  weights(data: Float32Array, shape: number[], name = `weights_${this.#initialisers.length}`): string {
    const nan = data.findIndex((weight) => !Number.isFinite(weight));
    if (nan >= 0) throw this.error(`${name} holds ${data[nan]} at ${nan}; the training has diverged`);
    return this.#initialise(name, "float32", shape, data);
  }

  /** An int64 list, as Reshape, Slice and the like take them; the same list is stored once. */
  integers(values: number[]): string {
    const name = `integers_${values.join("_").replaceAll("-", "m")}`;
    if (this.#types.has(name)) return name;
    return this.#initialise(name, "int64", [values.length], BigInt64Array.from(values, BigInt));
  }

  /** A float32 scalar; the same number is stored once. */
  scalar(value: number): string {
    const name = `scalar_${value}`;
    return this.#types.has(name) ? name : this.#initialise(name, "float32", [], Float32Array.of(value));
  }

  /** Adds a node of one output and gives that output's name; its type is that of the first input where none is said. */
  node(operator: string, inputs: string[], attributes: Attributes = {}, type = this.typeOf(inputs[0])): string {
    for (const input of inputs) this.typeOf(input);
    const name = `${operator}_${this.#nodes.length}`;
    const attribute = Object.entries(attributes).map(([key, value]) => toAttribute(key, value));
    this.#nodes.push({ opType: operator, input: inputs, output: [name], name, attribute });
    return this.#add(name, type);
  }

  /** The element type of a value of this graph. */
  typeOf(value: string): ElementType {
    const type = this.#types.get(value);
    if (!type) throw this.error(`there is no value ${value}`);
    return type;
  }

  /** The finished ONNX file. The same calls give the same bytes. */
  build(): Uint8Array {
    if (this.#outputs.length === 0) throw this.error("it has no output");
    const read = new Set(this.#nodes.flatMap((node) => node.input));
    const unread = this.#inputs.find((input) => !read.has(input.name as string));
    if (unread) throw this.error(`nothing reads the input ${unread.name}`);
    const graph = {
      name: this.name,
      node: this.#nodes,
      initializer: this.#initialisers,
      input: this.#inputs,
      output: this.#outputs,
    };
    const model = { irVersion, producerName: "recsys", opsetImport: [{ domain: "", version: opset }], graph };
    // A plain array, not the Buffer that the encoder gives in Node: the bytes are the same thing everywhere.
    return new Uint8Array(ModelProto.encode(model).finish());
  }

  /** An error that says which graph it is about. */
  error(message: string): Error {
    return new Error(`graph ${this.name}: ${message}`);
  }

  #add(name: string, type: ElementType): string {
    if (this.#types.has(name)) throw this.error(`two values are called ${name}`);
    this.#types.set(name, type);
    return name;
  }

  #initialise(name: string, type: ElementType, dims: number[], data: Float32Array | BigInt64Array): string {
    const size = dims.reduce((product, dim) => product * dim, 1);
    if (data.length !== size) throw this.error(`${name} has ${data.length} numbers, not [${dims.join(", ")}]`);
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#initialisers.push({ name, dataType: elementTypes[type], dims, rawData: rawData.slice() });
    return this.#add(name, type);
  }
}

function valueInfo(name: string, type: ElementType, shape: Shape): onnx.IValueInfoProto {
  const dim = shape.map((each) => (typeof each === "number" ? { dimValue: each } : { dimParam: each }));
  return { name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } };
}

function toAttribute(name: string, value: number | number[]): onnx.IAttributeProto {
  return typeof value === "number"
    ? { name, type: AttributeProto.AttributeType.INT, i: value }
    : { name, type: AttributeProto.AttributeType.INTS, ints: value };
}
