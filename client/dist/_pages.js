



















export async function* pagesOf   (
  requests          ,
  path        ,
  query       ,
)                                      {
  let { cursor } = query;
  do {
    const page = await requests.json         ("GET", path, { query: { ...query, cursor } });
    yield page;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
