import { assert } from "@std/assert";
import { saysTheSame } from "../../timeline/_same.ts";

const TEN = "Rain falls on five empty wooden benches along some quiet harbour road";

Deno.test("saysTheSame looks past case, punctuation and filler words [T1]", () => {
  assert(saysTheSame("A dog.", "a dog"));
  assert(saysTheSame("There is a dog on the sofa!", "Dog on sofa"));
  assert(saysTheSame("The man doesn’t move.", "the man doesn't move"));
  assert(saysTheSame("狗在沙发上。", "狗在沙发上"));
  assert(saysTheSame("?!", "?!"));
});

Deno.test("saysTheSame lets a long caption vary, and a short one not [T1]", () => {
  assert(saysTheSame(TEN, `${TEN} today`), "one word more");
  assert(!saysTheSame("The light is red.", "The light is green."));
  assert(!saysTheSame("A dog.", "A dog and a cat."));
  assert(!saysTheSame(TEN, TEN.replace("Rain", "Snow")), "one of eleven words exchanged");
  assert(!saysTheSame("狗在沙发上", "猫在沙发上"));
  assert(!saysTheSame("?!", "!?"));
});

Deno.test("saysTheSame never takes another number, or its opposite, for the same [T1]", () => {
  const bus = `${TEN} beside the bus stop, bus number 12`;
  assert(!saysTheSame(bus, bus.replace("12", "21")));
  assert(!saysTheSame(TEN, `${TEN} not`));
  assert(!saysTheSame("The man moves", "The man doesn't"));
});
