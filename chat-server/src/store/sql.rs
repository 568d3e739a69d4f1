//! Statements have names, and are known.

/// Text of a statement. Only [`statements!`] makes one, so whatever takes one runs nothing that the test of
/// its table has not prepared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sql(pub(super) &'static str);

/// A table of statements: a constant each, and all of them for a test to prepare.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $sql:expr;)*) => {
        $($(#[$doc])* pub(in crate::store) const $name: $crate::store::sql::Sql = $crate::store::sql::Sql($sql);)*

        /// Every statement with its name.
        #[cfg(test)]
        pub(in crate::store) const ALL: &[(&str, $crate::store::sql::Sql)] = &[$((stringify!($name), $name)),*];
    };
}
pub(super) use statements;
