/** What is used of the package, which has no types of its own. */
declare module "stopword" {
  type List = string[];
  export const ara: List,
    ces: List,
    dan: List,
    deu: List,
    ell: List,
    eng: List,
    fin: List,
    fra: List,
    hun: List,
    ind: List,
    ita: List,
    nld: List,
    nob: List,
    pol: List,
    por: List,
    ron: List,
    rus: List,
    spa: List,
    swe: List,
    tur: List,
    ukr: List,
    vie: List;
}
