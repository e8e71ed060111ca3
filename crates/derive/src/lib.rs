//! `#[derive(Tree)]`: a struct or enum of trees as a tree.
//!
//! Each field must be a tree; its name (its number in a tuple struct) becomes a step of the path to the leaves in it.
//! The only field of a tuple struct adds no step: a newtype is transparent. Which variant of an enum is present belongs
//! to the structure, not to the paths.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Fields, Ident, Index, parse_macro_input, parse_quote};

/// Implements `Tree` for a struct or enum whose fields are trees.
#[proc_macro_derive(Tree)]
pub fn derive_tree(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// The crate that the generated code names: the engine itself, or the facade that users depend on.
fn root() -> TokenStream {
    // A crate that depends on the facade alone sees the engine as `bolete::tensor`.
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .and_then(|folder| std::fs::read_to_string(std::path::Path::new(&folder).join("Cargo.toml")).ok());
    let names_engine = manifest.is_some_and(|text| text.contains("bolete-tensor"));
    if names_engine { quote!(::bolete_tensor) } else { quote!(::bolete::tensor) }
}

fn expand(mut input: DeriveInput) -> syn::Result<TokenStream> {
    let root = root();
    for parameter in input.generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#root::Tree));
    }
    let (visit, rebuild) = match &input.data {
        Data::Struct(data) => {
            let (pattern, names) = pattern(&data.fields);
            let visits = visits(&root, &data.fields, &names);
            let rebuilt = rebuilt(&root, &data.fields, &names);
            (quote! { let Self #pattern = self; #visits }, quote! { let Self #pattern = self; Self #rebuilt })
        }
        Data::Enum(data) => {
            let mut visit_arms = TokenStream::new();
            let mut rebuild_arms = TokenStream::new();
            for (number, variant) in data.variants.iter().enumerate() {
                let (name, number) = (&variant.ident, number as u64);
                let (pattern, names) = pattern(&variant.fields);
                let visits = visits(&root, &variant.fields, &names);
                let rebuilt = rebuilt(&root, &variant.fields, &names);
                visit_arms.extend(quote! { Self::#name #pattern => { visitor.structure(#number); #visits } });
                rebuild_arms.extend(quote! { Self::#name #pattern => Self::#name #rebuilt, });
            }
            (quote! { match self { #visit_arms } }, quote! { match self { #rebuild_arms } })
        }
        Data::Union(_) => {
            return Err(syn::Error::new_spanned(&input.ident, "Tree cannot be derived for a union"));
        }
    };
    let name = &input.ident;
    let (implementation, types, clause) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #implementation #root::Tree for #name #types #clause {
            fn visit<'tree>(&'tree self, visitor: &mut dyn #root::tree::Visitor<'tree>) {
                #visit
            }
            fn rebuild(
                &self,
                leaf: &mut dyn FnMut(#root::tree::LeafKind, &#root::Tensor) -> #root::Tensor,
            ) -> Self {
                #rebuild
            }
        }
    })
}

/// A pattern that binds every field, and the bindings.
fn pattern(fields: &Fields) -> (TokenStream, Vec<Ident>) {
    match fields {
        Fields::Named(named) => {
            let fields: Vec<&Ident> = named.named.iter().filter_map(|field| field.ident.as_ref()).collect();
            let names: Vec<Ident> = fields.iter().map(|field| format_ident!("field_{}", field)).collect();
            (quote!({ #(#fields: #names),* }), names)
        }
        Fields::Unnamed(unnamed) => {
            let names: Vec<Ident> =
                (0..unnamed.unnamed.len()).map(|index| format_ident!("field_{}", index)).collect();
            (quote!((#(#names),*)), names)
        }
        Fields::Unit => (TokenStream::new(), Vec::new()),
    }
}

fn visits(root: &TokenStream, fields: &Fields, names: &[Ident]) -> TokenStream {
    let transparent = matches!(fields, Fields::Unnamed(_)) && names.len() == 1;
    let steps = fields.iter().enumerate().zip(names).map(|((index, field), name)| {
        let visit = quote! { #root::Tree::visit(#name, visitor); };
        if transparent {
            return visit;
        }
        let part = match &field.ident {
            Some(ident) => {
                let text = ident.to_string();
                let text = text.trim_start_matches("r#");
                quote!(#root::tree::PathPart::Name(#text))
            }
            None => quote!(#root::tree::PathPart::Index(#index)),
        };
        quote! { visitor.enter(#part); #visit visitor.leave(); }
    });
    // A tree without fields has no use for its visitor.
    quote! { let _ = &visitor; #(#steps)* }
}

fn rebuilt(root: &TokenStream, fields: &Fields, names: &[Ident]) -> TokenStream {
    let values = fields.iter().enumerate().zip(names).map(|((index, field), name)| {
        let value = quote! { #root::Tree::rebuild(#name, leaf) };
        match &field.ident {
            Some(ident) => quote! { #ident: #value },
            None => {
                let index = Index::from(index);
                quote! { #index: #value }
            }
        }
    });
    quote!({ #(#values),* })
}
