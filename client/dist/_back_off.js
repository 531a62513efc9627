

















export function backOffMs({ firstMs, maxMs }         , failures        , random        )         {
  const fullMs = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return fullMs / 2 + random * fullMs / 2;
}
